"""A bucket that is 20 ms away: ``python far_bucket.py OBJECTS BYTES``, which prints its port."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from urllib.parse import parse_qs, unquote, urlsplit

DELAY = 0.02
PAGE = 1000


def key(n: int) -> str:
    """Return the key of an object."""
    return f"docs/{n:06}.md"


class Bucket:
    """Objects made of their numbers."""

    def __init__(self, objects: int, size: int) -> None:
        self.objects, self.size = objects, size

    def body(self, n: int) -> bytes:
        """Return an object."""
        head = f"# Title {n}\n\n".encode()
        return (head + b"words of a text " * (self.size // 16))[: self.size]

    def etag(self, n: int) -> str:
        """Return its ETag."""
        return f"{hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest()}-1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(DELAY)
                writer.write(self.answer(head.split(b" ", 2)[1].decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, path: str) -> bytes:
        """Return an answer, with its head."""
        parts = urlsplit(path)
        asked = parse_qs(parts.query)
        if "list-type" in asked:
            return _framed(self.page(asked).encode(), "application/xml", "list")
        n = int(unquote(parts.path).rpartition("/")[2].removesuffix(".md"))
        return _framed(self.body(n), "text/markdown", self.etag(n))

    def page(self, asked: dict[str, list[str]]) -> str:
        """Return a page of the listing."""
        if not asked["prefix"][0].endswith("/"):
            return "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        first = int(asked.get("continuation-token", ["0"])[0])
        last = min(self.objects, first + PAGE)
        more = last < self.objects
        listed = "".join(
            f"<Contents><Key>{key(n)}</Key><Size>{self.size}</Size>"
            f"<ETag>&quot;{self.etag(n)}&quot;</ETag></Contents>"
            for n in range(first, last)
        )
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        state = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return f"<ListBucketResult>{state}{listed}{token}</ListBucketResult>"


def _framed(body: bytes, media_type: str, etag: str) -> bytes:
    head = f'HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nETag: "{etag}"\r\n'
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Bucket(int(sys.argv[1]), int(sys.argv[2])).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
