"""How well a run generates, beside what simple look-ups and means do on the same split."""
