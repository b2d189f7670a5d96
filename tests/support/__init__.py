"""What the story and the end-to-end tests share: a client of the API, a receiver of webhooks, an operator's hands."""
