"""The API for applications: they register the conversations that they create, and search the index.

A few views without a framework: three routes don't pay for one, and errors have OpenAI's own shape, which its clients
can read.

views           the routes
authentication  tokens, rights and limits
requests        what a request may hold
responses       what a response holds, and the shape of errors
openapi         the description of all of that
"""
