"""Trains, exports and quantizes the default road-sign detector. Start reading at `__main__.py`."""
