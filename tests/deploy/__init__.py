"""What is deployed: images, manifests, units, bundles and workflows, read and checked without an engine."""
