"""What the pages share: page or fragment, the state that a URL holds, facets and paging."""
