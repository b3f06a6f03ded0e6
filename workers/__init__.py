"""Background workers: they take jobs from the queue and run the pipeline's stages."""
