"""BatteryML and BatteryLife: one pickle a cell."""
