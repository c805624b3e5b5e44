"""What can be done with what was loaded, and before anything is: plan, verify, repair, replay."""
