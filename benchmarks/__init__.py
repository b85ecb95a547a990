"""What the guard costs, measured beside a bare RSA verification and beside other libraries."""
