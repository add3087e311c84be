"""The HTTP side: REST API, what brokers and devices ask over HTTP, the admin site."""
