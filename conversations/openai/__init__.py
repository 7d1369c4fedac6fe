"""The client of the Conversations API. It knows HTTP and the API, and nothing of Django or the database.

client           Client: one credential's session; Calls: the eight calls of the API
attempts         retries, and telling the API's 404 from a gateway's
decoding         response bytes to JSON, or to the error they stand for
objects          JSON to conversations, pages of items and confirmed deletions
ids              what can be the id of a conversation or an item
routes           what a 404 says about the conversation, as opposed to the path
errors           the tree of exceptions that calls raise
transport        a `requests` session with a total deadline
scrubbing        removes a client's own secrets from what servers send back
base_url         which URLs a credential may point to
certificates     checks PEM certificates of private authorities
request_preview  a request as JSON and as a curl command
"""
