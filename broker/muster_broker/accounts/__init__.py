"""Who may connect to a broker: secrets, the platform's account file, the contract that asks.

The broker and the platform both use this package, so that neither holds the other's truth.
"""
