"""The pages that people read (README, SKILL, docs/): their commands run, and their outputs are the real ones."""
