"""What a campaign has brought: whom it reached, what they said, what was paid, what it cost, and no breach."""
