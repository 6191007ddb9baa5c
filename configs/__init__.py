"""What is set at launch, and what is installed where. Standard library only, so that bare Python can read it."""
