"""Images and the models that paint them: what is asked is decided here, and then done in a worker process."""
