"""Reading and writing files safely: whole or not at all, regular ones only, under plain names."""
