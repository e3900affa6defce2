"""ModelMonitor: predictions and labels in; metrics, anomalies and a report out."""
