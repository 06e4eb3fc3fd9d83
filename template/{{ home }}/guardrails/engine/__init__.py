"""What every guard stands on: the tree, rules as data, findings, SARIF, the ratchet."""
