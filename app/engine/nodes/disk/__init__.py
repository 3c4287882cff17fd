"""Files on the disk of the server, within one folder: Read/Write Files, and the nodes before it."""
