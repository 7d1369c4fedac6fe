"""Items of shells, patches, MCP servers and custom tools, as the API returns them."""

from .tool_items import CONTAINER, SEALED, Item

APPROVAL_REQUEST = "mcpr_68e1f0b7d44c819a9e0c2f6b5a3d7e18"
LOCAL_SHELL_CALL = "lsh_68e1f0c2a9e4819bb7d60f1e2c3a4b5d"
CREATED = """+def refund(order):
+    return order.total
"""
UPDATED = """@@ def label(order):
-    return order.street
+    return f"{order.street} {order.number}"
"""

SHELLS: list[Item] = [
    {
        "type": "local_shell_call",
        "id": LOCAL_SHELL_CALL,
        "call_id": "call_local_shell",
        "status": "completed",
        "action": {
            "type": "exec",
            "command": ["git", "log", "--oneline", "-n", "2"],
            "env": {"LANG": "C.UTF-8"},
            "timeout_ms": 5000,
            "user": "builder",
            "working_directory": "/srv/shop",
        },
    },
    {
        "type": "local_shell_call_output",
        "call_id": "call_local_shell",  # not in the official package, but in OpenAI's guide
        "status": "completed",
        "output": '{"stdout": "4f1c9a7 Label without number\\n30ab2e1 Kettles\\n", "exit_code": 0}',
    },
    {
        "type": "shell_call",
        "call_id": "call_shell",
        "status": "completed",
        "action": {"commands": ["pytest -q", "ls missing", "sleep 60"], "timeout_ms": 1000, "max_output_length": 4096},
        "environment": {"type": "container_reference", "container_id": CONTAINER},
    },
    {
        "type": "shell_call_output",
        "call_id": "call_shell",
        "status": "completed",
        "max_output_length": 4096,
        "output": [
            {"stdout": "2 passed in 0.03s\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
            {
                "stdout": "",
                "stderr": "ls: cannot access 'missing': No such file or directory\n",
                "outcome": {"type": "exit", "exit_code": 2},
            },
            {"stdout": "", "stderr": "", "outcome": {"type": "timeout"}},
        ],
    },
    {
        "type": "shell_call",
        "call_id": "call_shell_2",
        "status": "in_progress",
        "action": {"commands": ["./deploy staging"], "timeout_ms": None, "max_output_length": None},
        "environment": {"type": "local"},
    },
]

PATCHES: list[Item] = [
    {
        "type": "apply_patch_call",
        "call_id": "call_create",
        "status": "completed",
        "operation": {"type": "create_file", "path": "shop/refunds.py", "diff": CREATED},
    },
    {"type": "apply_patch_call_output", "call_id": "call_create", "status": "completed", "output": "Created."},
    {
        "type": "apply_patch_call",
        "call_id": "call_update",
        "status": "completed",
        "operation": {"type": "update_file", "path": "shop/labels.py", "diff": UPDATED},
    },
    {
        "type": "apply_patch_call_output",
        "call_id": "call_update",
        "status": "failed",
        "output": "The lines to change were not found in shop/labels.py.",
    },
    {
        "type": "apply_patch_call",
        "call_id": "call_delete",
        "status": "in_progress",
        "operation": {"type": "delete_file", "path": "shop/old_labels.py"},
    },
]

SERVERS: list[Item] = [
    {
        "type": "mcp_list_tools",
        "server_label": "warehouse",
        "tools": [
            {
                "name": "reserve",
                "description": "Sets goods aside.",
                "input_schema": {"type": "object", "properties": {"sku": {"type": "string"}}},
                "annotations": {"readOnlyHint": False},
            },
            {"name": "stock", "description": None, "input_schema": {"type": "object"}, "annotations": None},
        ],
    },
    {"type": "mcp_list_tools", "server_label": "couriers", "tools": [], "error": "The server did not answer in time."},
    {
        "type": "mcp_approval_request",
        "id": APPROVAL_REQUEST,
        "server_label": "warehouse",
        "name": "reserve",
        "arguments": '{"sku": "KETTLE-17", "count": 1}',
    },
    {
        "type": "mcp_approval_response",
        "approval_request_id": APPROVAL_REQUEST,
        "approve": True,
        "reason": "One kettle is in stock.",
    },
    {
        "type": "mcp_call",
        "server_label": "warehouse",
        "name": "reserve",
        "arguments": '{"sku": "KETTLE-17", "count": 1}',
        "approval_request_id": APPROVAL_REQUEST,
        "status": "completed",
        "output": '{"reserved": true, "shelf": "B4"}',
        "error": None,
    },
    {
        "type": "mcp_call",
        "server_label": "warehouse",
        "name": "stock",
        "arguments": '{"sku": "KETTLE-18"}',
        "status": "failed",
        "output": None,
        "error": {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "No such article."}]},
    },
]

CUSTOM: list[Item] = [
    {
        "type": "custom_tool_call",
        "call_id": "call_query",
        "name": "run_query",
        "input": "SELECT total, paid_at\nFROM payments\nWHERE order_id = 48213;",
    },
    {"type": "custom_tool_call_output", "call_id": "call_query", "output": "total | paid_at\n49.90 | 2025-11-03"},
    {
        "type": "custom_tool_call_output",
        "call_id": "call_query",
        "output": [
            {"type": "input_text", "text": "1 row"},
            {
                "type": "input_file",
                "filename": "rows.csv",
                "file_data": "data:text/csv;base64,b3JkZXIsYW1vdW50LHBhaWQK",
            },
        ],
    },
    {"type": "compaction", "encrypted_content": SEALED},
]
