"""How values stand in the URLs of pages."""


class ItemIdConverter:
    """The id of an item as one part of a path: on other servers it may hold a slash, which is written ~2F."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The id that a part of a path stands for."""
        return value.replace("~2F", "/").replace("~7E", "~")

    def to_url(self, value: str) -> str:
        """The id as a part of a path."""
        return value.replace("~", "~7E").replace("/", "~2F")
