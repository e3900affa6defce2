"""KServe's explainer: SHAP values in a process of its own."""
