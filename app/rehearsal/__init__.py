"""What the first users of a process would wait for, done once on something tiny while nobody asks for it."""
