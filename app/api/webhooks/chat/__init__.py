"""Chats: their page, and what a message brings."""
