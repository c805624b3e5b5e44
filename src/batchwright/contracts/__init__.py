"""What plugins implement and receive. Public, for plugin authors; every higher layer may import it."""
