"""Files: how they are read, named, uploaded, downloaded, cached and written."""
