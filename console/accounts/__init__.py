"""Organizations, people, projects, keys and tokens: who may see and send what."""
