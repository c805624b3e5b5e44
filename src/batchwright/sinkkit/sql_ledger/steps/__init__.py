"""What a receipt does to the tables of a ledger, as a list of plain steps in SQL.

A write first locks what its receipt is about: the row of its collection, shared; the documents' rows of the
keys that it publishes or deletes; and the pending rows of the versions that it begins, continues, completes
or discards. Then it acts on what the ledger says under these locks. Each statement sees what was committed
before it began, so nothing is decided on an older state. Where something is not as it should be, a guard ends
the transaction.

step        one thing to do, and how its text is written
columns     its values, by column
receipt     all that a receipt does, in order: before the rows of its batch, and after them
collection  the row of the collection, and who may write to it
locks       documents and pending versions: whose they are until the transaction ends
publishing  versions that the engine says are whole
patching    versions that a program brings in parts, which are published when they turn out to be whole
refusing    versions of which no record can be stored
removing    versions that are discarded, deleted, or known to nobody
rejects     what was set aside, and what is set aside no longer
noting      what is known of the source: fingerprints, items, the cursor
values      a receipt's values, as the columns have them
"""
