"""The page on which a person tries a classifier: its files, and nothing that answers.

``serve`` sends them and is asked over HTTP; ``export`` makes one file of them that answers by itself.
"""
