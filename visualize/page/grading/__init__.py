"""A lesson's questions for programs: what can be asked of a picture, and an answer graded as the page grades it."""
