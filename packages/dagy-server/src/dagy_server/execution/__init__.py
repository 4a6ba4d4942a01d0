"""Runs are carried out here: queued in the database, claimed with a lease, each by a worker.

A worker is a process of its own that outlives the server. It gets the archive of the flow, starts
the flow in a process of the flow's own, which has no secret of the server, and forwards what that
one records on the disk. So nothing is lost while the server is away, and whoever comes after a
worker that was killed takes over what is recorded.
"""
