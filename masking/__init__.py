"""Masks: images and masks only. Knows nothing of HTTP, prompts or denoising."""
