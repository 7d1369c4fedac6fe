"""The addresses of the dashboard."""

urlpatterns: list = []
