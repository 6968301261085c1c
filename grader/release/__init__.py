"""From one folder of sources to what students and platforms receive, and the proof that nothing leaks."""
