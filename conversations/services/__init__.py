"""What crosses the network: a remote call and a local write, one verb a function.

Each records the attempt, calls OpenAI with no transaction open, then writes in one short transaction.
"""
