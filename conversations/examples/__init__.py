"""Example conversations for the sandbox and the index.

dialogues      texts and metadata of support conversations
bulk           any number of conversations for the index alone
items          conversations with every type of item, with unknown types, and of any length
tool_items     items of tool calls and their outputs
work_items     more of them: shells, patches, MCP servers
media_items    items as compatible servers store them, with an image and sound
hostile_items  items that try to break a page: markup, links, control characters, sizes
"""
