"""The main job, done through HTTP as a client would: generate, mask, inpaint, outpaint, and one sheet of it all."""
