//! Starts that must be refused: with a sentence, an exit code of their own, and nothing changed on disk.
