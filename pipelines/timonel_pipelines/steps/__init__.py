"""What each task of the pipeline does: Timonel's components, fed from and into artifacts on disk.

These modules run inside a task's process: they import nothing of KFP.
"""
