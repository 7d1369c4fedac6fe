"""Items of tool calls and their outputs, as the API returns them; the store adds missing ids.

They tell a story: the assistant of the shop Acme checks order 48213, and fixes a bug on the way (`work_items`).
"""

from typing import Any

Item = dict[str, Any]

# A kettle, 16 pixels wide.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQMAAAAlPW0iAAAABlBMVEXw8PDIUBRBeqj9AAAANUlEQVR42mNgYGBgbGBgf8DAIcAgwMEg/oKB"
    "/zOD/TeG+C8M84HoB0P8Bwb7DwzyQPIHUC0AGqcOEHFNGHoAAAAASUVORK5CYII="
)
PNG_URL = f"data:image/png;base64,{PNG}"
CONTAINER = "cntr_68e1f0a4b2c8819"
SEALED = "gAAAAABo4fGkV3J5cHRlZC1ieS10aGUtc2VydmljZS1vbmx5LWl0LXJlYWRzLXRoaXM=" * 6
TRACKING: Item = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "carrier": {"type": "string", "enum": ["post", "courier"]}},
    "required": ["order_id"],
    "additionalProperties": False,
}

TOOLS: list[Item] = [
    {
        "type": "additional_tools",
        "role": "developer",
        "tools": [
            {"type": "function", "name": "get_order", "parameters": TRACKING, "strict": True},
            {"type": "web_search", "search_context_size": "low"},
            {"type": "mcp", "server_label": "warehouse", "server_url": "https://example.com/mcp"},
            {"type": "custom", "name": "run_query", "format": {"type": "text"}},
        ],
    },
    {
        "type": "configuration_update",
        "reasoning": {"effort": "high"},
        "text": {"format": {"type": "text"}},
    },
    {
        "type": "tool_search_call",
        "call_id": "call_search_tools",
        "execution": "server",
        "status": "completed",
        "arguments": {"paths": ["shipping"], "query": "track a parcel"},
    },
    {
        "type": "tool_search_output",
        "call_id": "call_search_tools",
        "execution": "server",
        "status": "completed",
        "tools": [
            {
                "type": "namespace",
                "name": "shipping",
                "description": "Parcels and couriers.",
                "tools": [{"type": "function", "name": "track_parcel", "parameters": TRACKING, "defer_loading": True}],
            }
        ],
    },
]

LOOKING_UP: list[Item] = [
    {
        "type": "reasoning",
        "status": "completed",
        "summary": [
            {
                "type": "summary_text",
                "text": "**Finding the order**\n\nThe customer gave a number: I look it up first.",
            },
            {"type": "summary_text", "text": "The parcel is said to be damaged: the policy on refunds matters."},
        ],
        "content": [{"type": "reasoning_text", "text": "Order 48213. Look it up, track the parcel, read the policy."}],
        "encrypted_content": SEALED,
    },
    {
        "type": "function_call",
        "call_id": "call_get_order",
        "name": "get_order",
        "arguments": '{"order_id": "48213", "with": ["items", "payments"]}',
        "status": "completed",
    },
    {
        "type": "function_call_output",
        "call_id": "call_get_order",
        "output": '{"order_id": "48213", "total": 49.9, "currency": "EUR", "items": [{"name": "Kettle", "count": 1}]}',
        "status": "completed",
    },
    {
        "type": "function_call",
        "call_id": "call_track",
        "name": "track_parcel",
        "namespace": "shipping",
        "arguments": '{"order_id": "48213"}',
        "status": "completed",
        "caller": {"type": "direct"},
    },
    {
        "type": "function_call_output",
        "call_id": "call_track",
        "output": [
            {"type": "input_text", "text": "Delivered on Monday at 10:42, signed for at the door."},
            {"type": "input_image", "detail": "low", "image_url": PNG_URL},
            {"type": "input_file", "file_id": "file-proof48213", "filename": "proof-of-delivery.pdf"},
        ],
        "status": "completed",
    },
    {
        "type": "file_search_call",
        "queries": ["refund for goods damaged in transit", "how long a refund takes"],
        "status": "completed",
        "results": [
            {
                "file_id": "file-policy01",
                "filename": "refund-policy.md",
                "score": 0.9132,
                "text": "Goods that arrive damaged are refunded in full within three working days.",
                "attributes": {"language": "en", "version": 7.0, "public": True},
            },
            {"file_id": "file-faq02", "filename": "faq.md", "score": 0.4417, "text": "Returns: 30 days."},
        ],
    },
    {"type": "file_search_call", "queries": ["kettle warranty"], "status": "failed", "results": None},
]

ON_THE_WEB: list[Item] = [
    {
        "type": "web_search_call",
        "status": "completed",
        "action": {
            "type": "search",
            "query": "kettle cracked on arrival",
            "queries": ["kettle cracked on arrival", "kettle spare handle"],
            "sources": [
                {"type": "url", "url": "https://example.com/kettles/care"},
                {"type": "url", "url": "https://example.com/kettles/recalls?year=2025"},
            ],
        },
        "results": [{"type": "url", "url": "https://example.com/kettles/care", "title": "Caring for a kettle"}],
    },
    {
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "open_page", "url": "https://example.com/kettles/recalls?year=2025"},
    },
    {
        "type": "web_search_call",
        "status": "failed",
        "action": {"type": "find_in_page", "url": "https://example.com/kettles/care", "pattern": "crack"},
    },
    {
        "type": "computer_call",
        "call_id": "call_desk",
        "status": "completed",
        "pending_safety_checks": [
            {"id": "cu_sc_1", "code": "malicious_instructions", "message": "The page may try to give instructions."}
        ],
        "actions": [
            {"type": "screenshot"},
            {"type": "click", "button": "left", "x": 412, "y": 96},
            {"type": "type", "text": "48213"},
            {"type": "keypress", "keys": ["CTRL", "ENTER"]},
            {"type": "wait"},
            {"type": "scroll", "x": 412, "y": 300, "scroll_x": 0, "scroll_y": 640},
            {"type": "move", "x": 20, "y": 20},
            {"type": "double_click", "x": 230, "y": 511, "keys": ["SHIFT"]},
            {"type": "drag", "path": [{"x": 230, "y": 511}, {"x": 600, "y": 511}]},
        ],
    },
    {
        "type": "computer_call_output",
        "call_id": "call_desk",
        "status": "completed",
        "output": {"type": "computer_screenshot", "image_url": PNG_URL},
        "acknowledged_safety_checks": [{"id": "cu_sc_1", "code": "malicious_instructions", "message": None}],
    },
    {
        "type": "computer_call",
        "call_id": "call_desk_2",
        "status": "incomplete",
        "pending_safety_checks": [],
        "action": {"type": "click", "button": "right", "x": 5, "y": 7},
    },
    {
        "type": "computer_call_output",
        "call_id": "call_desk_2",
        "status": "failed",
        "output": {"type": "computer_screenshot", "file_id": "file-screen2"},
    },
]

DRAWING: list[Item] = [
    {
        "type": "image_generation_call",
        "status": "completed",
        "result": PNG,
        "action": "generate",
        "background": "opaque",
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
        "revised_prompt": "A small orange kettle on a plain ground, drawn in few pixels.",
    },
    {
        "type": "image_generation_call",
        "status": "failed",
        "result": None,
        "error": {"type": "image_generation_error", "code": "moderation_blocked", "message": "It was not drawn."},
    },
    {
        "type": "code_interpreter_call",
        "status": "completed",
        "container_id": CONTAINER,
        "code": "import csv\n\nrows = list(csv.DictReader(open('orders.csv')))\nprint(len(rows), rows[0])\nplot(rows)",
        "outputs": [
            {"type": "logs", "logs": "1 {'order': '48213', 'amount': '49.90', 'paid': 'yes'}\n"},
            {"type": "image", "url": PNG_URL},
        ],
    },
    {
        "type": "code_interpreter_call",
        "status": "interpreting",
        "container_id": CONTAINER,
        "code": None,
        "outputs": None,
    },
    {
        "type": "program",
        "call_id": "call_program",
        "code": "const order = await tools.get_order({order_id: '48213'});\nreturn order.items.length;",
        "fingerprint": "fp_4f1c9a7e",
    },
    {
        "type": "function_call",
        "call_id": "call_from_program",
        "name": "get_order",
        "arguments": '{"order_id": "48213"}',
        "status": "in_progress",
        "caller": {"type": "program", "caller_id": "call_program"},
    },
    {"type": "program_output", "call_id": "call_program", "result": "1", "status": "incomplete"},
]
