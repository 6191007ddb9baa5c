"""Raw diffusers, written as well as a user would: what Gesso is measured against. Nothing here uses Gesso."""
