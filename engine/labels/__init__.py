"""What people say of rows: a ledger of labels, the labels as they stand, and what follows from them."""
