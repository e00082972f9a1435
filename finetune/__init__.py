"""Fine-tuning of every task on its user's own rows: ``python -m finetune``."""
