"""The MQTT side: embedded broker, accounts, the batching receiver."""
