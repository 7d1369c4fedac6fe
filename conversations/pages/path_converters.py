"""How values are written in URLs."""


class ItemIdConverter:
    """The id of an item as one path segment. On other servers it may contain a slash, which is written ~2F."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return value.replace("~2F", "/").replace("~7E", "~")

    def to_url(self, value: str) -> str:
        return value.replace("~", "~7E").replace("/", "~2F")
