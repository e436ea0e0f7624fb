"""What may leave Prime: text with personal and secret data replaced."""
