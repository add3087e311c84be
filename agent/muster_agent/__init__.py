"""The device agent, the library an app embeds, and the fleet simulator."""
