"""Whether generated charges are useful and honest: each measure beside what perfect data score."""
