"""What a notice says of its debt, told by the voice menu to whoever knows a second factor that no notice carries."""
