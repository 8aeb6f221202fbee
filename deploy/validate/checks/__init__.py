"""The checks of `make validate`: what can be known of a deployment without a cluster.

A check is a function from the tree to faults; `run.py` names them all. A fault says where it is, which
rule it breaks, and what to do.
"""
