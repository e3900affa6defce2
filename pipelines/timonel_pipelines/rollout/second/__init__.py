"""The second verdict: a promoted version is judged again once labels have matured, and may still go back."""
